from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("submissions", "0008_course_purged"),
    ]

    operations = [
        migrations.AlterField(
            model_name="deskevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("course_created", "created the course"),
                    ("course_archived", "archived the course"),
                    ("course_restored", "brought back the course"),
                    ("course_purged", "erased the personal data of"),
                    ("term_started", "started the term"),
                    ("group_created", "created the group"),
                    ("imported", "imported a class list into"),
                    ("quest_created", "created the quest"),
                    ("quest_changed", "changed the quest"),
                    ("quest_moved", "moved the quest"),
                    ("announced", "announced in"),
                    ("extended", "gave an extension to"),
                    ("login_reset", "reset the login of"),
                    ("login_unlocked", "unlocked the login"),
                    ("worker_paused", "paused the worker"),
                    ("worker_drained", "drained the worker"),
                    ("worker_resumed", "resumed the worker"),
                ],
                max_length=20,
            ),
        ),
    ]
