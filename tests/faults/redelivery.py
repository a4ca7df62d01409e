"""The service's Celery application, with messages delivered again after four seconds without acknowledgement.

By default kombu checks for such messages every hundred seconds; here it checks every second.
"""

from config.celery import app

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 4,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
