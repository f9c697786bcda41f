# syntax=docker/dockerfile:1
# Build:  docker build -t tocsin .
# Run:    docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges \
#           -v tocsin:/var/lib/tocsin -v ./tocsin.yaml:/etc/tocsin/tocsin.yaml:ro -p 8080:8080 tocsin
# Nothing at run time needs a shell, root, or a writable file system but the volume.
# Pin the base by digest for a release: --build-arg BASE=docker.io/library/python@sha256:...
ARG BASE=docker.io/library/python:3.13-slim-bookworm

# One: the wheel, from the sources.
FROM ${BASE} AS wheel
WORKDIR /src
RUN ["python", "-m", "pip", "install", "--no-cache-dir", "build>=1.2"]
COPY pyproject.toml README.md LICENSE ./
COPY daemon daemon
COPY rules rules
COPY channels channels
COPY config config
RUN ["python", "-m", "build", "--wheel", "--outdir", "/dist"]

# Two: an environment of its own, and the places that it needs.
FROM ${BASE} AS environment
COPY --from=wheel /dist /dist
RUN python -m venv /opt/tocsin \
 && /opt/tocsin/bin/pip install --no-cache-dir "$(echo /dist/*.whl)[words]" \
 && /opt/tocsin/bin/pip uninstall --yes pip \
 && mkdir -p /root-tree/etc/tocsin /root-tree/var/lib/tocsin \
 && chown 10001:10001 /root-tree/var/lib/tocsin \
 && chmod 0700 /root-tree/var/lib/tocsin
COPY config/tocsin.example.yaml /example.yaml
# Customers reach a container from outside; the private listener stays on loopback until it has credentials.
RUN sed 's/public: 127\.0\.0\.1:8080/public: 0.0.0.0:8080/' /example.yaml > /root-tree/etc/tocsin/tocsin.yaml

# Three: what runs.
FROM ${BASE}
LABEL org.opencontainers.image.title="tocsin" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=environment /opt/tocsin /opt/tocsin
COPY --from=environment /root-tree/ /
ENV PATH=/opt/tocsin/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TOCSIN_CONFIG=/etc/tocsin/tocsin.yaml
USER 10001:10001
# The default database is relative: it lies in the volume.
WORKDIR /var/lib/tocsin
VOLUME ["/var/lib/tocsin"]
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["tocsin", "health"]
ENTRYPOINT ["tocsin"]
CMD ["serve"]
