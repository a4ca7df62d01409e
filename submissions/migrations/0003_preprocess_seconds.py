from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("submissions", "0002_extensions_and_what_counts")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="preprocess_s",
            field=models.FloatField(help_text="Scaling, PCA and the like, before the training time.", null=True),
        ),
    ]
