"""The service's Celery application with a broker that takes a message for lost after four seconds."""

from config.celery import app

app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": 4}
