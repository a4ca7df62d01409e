"""The service's Celery application with a broker that takes a message for lost after four seconds.

kombu would look for such messages once in a hundred seconds; here it does every second.
"""

from config.celery import app

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 4,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
