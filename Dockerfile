# hermes-trio in a container: no init needed, any user id, everything that changes lies in /data.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY hermes_trio hermes_trio
COPY adapters adapters
COPY config_examples/quickstart config_examples/quickstart
RUN python -m venv --without-pip /opt/hermes-trio \
    && python -m pip --python /opt/hermes-trio/bin/python install --no-cache-dir --disable-pip-version-check .

FROM python:3.11-slim
COPY --from=build /opt/hermes-trio /opt/hermes-trio
# Group 0 may write too, for platforms that choose a user id of their own.
RUN install -d -m 2770 -o 10001 -g 0 /data
ENV MALLOC_ARENA_MAX=1 \
    PATH=/opt/hermes-trio/bin:$PATH \
    HOME=/data \
    HERMES_HOME=/data \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8642
# Asks whether the process answers, not whether every profile is well: one bad profile must not restart the others.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8642, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["hermes-trio"]
CMD ["run", "--host", "0.0.0.0"]
