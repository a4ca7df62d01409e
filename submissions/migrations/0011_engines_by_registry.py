from django.db import migrations, models

import submissions.specs.engines


class Migration(migrations.Migration):
    dependencies = [
        ("submissions", "0010_random_split"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="quest", name="quest_engine_policy_known"),
        migrations.AlterField(
            model_name="quest",
            name="engine_policy",
            field=models.CharField(
                choices=submissions.specs.engines.policy_choices,
                default="accelerated",
                max_length=20,
                verbose_name="engine",
            ),
        ),
        migrations.AlterField(
            model_name="submission",
            name="engine",
            field=models.CharField(choices=submissions.specs.engines.choices, default="stock", max_length=20),
        ),
    ]
