# Two stages: Node and the packages it brings stay in the first.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY . .
# The build hook fetches Node as a Python package and builds the front end.
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 \
    FAIRLEAD_DATA_DIR=/data
WORKDIR /workspace
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /wheels /wheels
RUN wheel="$(ls /wheels/fairlead-*.whl)" \
    && python -m pip install --no-cache-dir --constraint /tmp/constraints.txt "${wheel}[server]" \
    && rm -rf /wheels /tmp/constraints.txt \
    && useradd --system --create-home --uid 10001 fairlead \
    && mkdir -p /data \
    && chown fairlead /data /workspace
USER fairlead
VOLUME ["/data"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["fairlead", "serve", "--host", "0.0.0.0", "--port", "8000"]
