# syntax=docker/dockerfile:1
# Three targets from one source: `web` without machine learning, `worker` with it, `worker-gpu` with CUDA.
ARG PYTHON=3.12-slim-bookworm

FROM python:${PYTHON} AS python
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1

# The packages of each target, with bytecode: without it, each trainer would spend seconds on compiling TensorFlow.
FROM python AS packages
RUN python -m venv /opt/venv
COPY requirements/*.txt /requirements/

FROM packages AS web-packages
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: --compile -r /requirements/web.txt \
    && pip download --require-hashes --only-binary :all: --no-deps --dest /opt/venv/share/client-wheels \
        -r /requirements/client.txt

FROM packages AS worker-packages
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: --compile -r /requirements/worker.txt

FROM packages AS gpu-packages
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: --compile -r /requirements/gpu.txt

# Every target has the same source: a worker refuses to serve another version.
FROM python AS service
RUN groupadd --gid 10001 quest \
    && useradd --uid 10001 --gid quest --home-dir /quest/home --no-create-home --shell /usr/sbin/nologin quest \
    && install --directory --owner quest --group quest /quest /quest/home /quest/home/spool /quest/data /quest/given
WORKDIR /opt/quest
COPY manage.py ./
COPY config config
COPY submissions submissions
COPY leaderboard leaderboard
COPY workers workers
COPY client client
RUN python -m compileall -q .
# Celery reads REMAP_SIGTERM when it is imported, before the settings.
ENV QUEST_PRODUCTION=1 QUEST_HOME=/quest/home QUEST_DATA_HOME=/quest/data REMAP_SIGTERM=SIGQUIT
USER 10001:10001

FROM service AS web
COPY --from=web-packages /opt/venv /opt/venv
RUN SECRET_KEY=for-this-step-only ALLOWED_HOSTS=localhost python manage.py collectstatic --noinput --verbosity 0
EXPOSE 8000
CMD ["sh", "-c", "python manage.py migrate --noinput && exec gunicorn config.wsgi --bind 0.0.0.0:8000 --worker-class gthread --workers 2 --threads 8 --worker-tmp-dir /dev/shm"]

FROM service AS worker
COPY --from=worker-packages /opt/venv /opt/venv
ENV QUEST_SLOTS=1 QUEST_DATASETS="mnist digits"
CMD ["sh", "-c", "python -m workers.datasets.fetch --quiet $QUEST_DATASETS && exec celery -A config.celery worker -Q cpu -c $QUEST_SLOTS -n cpu@%h --pool prefork --loglevel WARNING --without-mingle --without-gossip --without-heartbeat"]

FROM service AS worker-gpu
COPY --from=gpu-packages /opt/venv /opt/venv
# `utility` brings NVML: with it, a worker detects the GPU and measures its power.
ENV QUEST_DATASETS="mnist digits" NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
CMD ["sh", "-c", "python -m workers.datasets.fetch --quiet $QUEST_DATASETS && exec celery -A config.celery worker -Q gpu -c 1 -n gpu@%h --pool prefork --loglevel WARNING --without-mingle --without-gossip --without-heartbeat"]
