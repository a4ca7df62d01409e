from django.db import migrations, models

import submissions.models.quests


class Migration(migrations.Migration):
    dependencies = [
        ("submissions", "0009_extensions_in_the_desk_history"),
    ]

    operations = [
        migrations.AlterField(
            model_name="quest",
            name="split_seed",
            field=models.PositiveIntegerField(
                default=submissions.models.quests.any_split, help_text="Chooses which test images are private."
            ),
        ),
    ]
