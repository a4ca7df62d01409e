from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers the backup commands, and makes the Celery application current in every Django process."""

    name = "config"

    def ready(self) -> None:
        import config.celery  # noqa: F401
