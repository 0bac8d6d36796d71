# lesionseg with its default model, for a CPU or for an NVIDIA GPU; it needs no network when it runs.
#
#   docker build --target cpu  -t lesionseg:cpu .
#   docker build --target cuda -t lesionseg:cuda .
#   docker run --rm --network none -v "$PWD/scans:/in:ro" -v "$PWD/out:/out" lesionseg:cpu batch /in -o /out/batch
#
# How to run it, and as whom: docs/docker.md. The steps are the scripts under scripts/image, which CI runs too.
ARG CPU_BASE=python:3.12-slim-bookworm
ARG CUDA_BASE=nvidia/cuda:12.8.1-base-ubuntu24.04

# --- what both stages of a target stand on ----------------------------------------------------------------
FROM ${CPU_BASE} AS cpu-system
COPY scripts/image/system.sh /tmp/system.sh
RUN bash /tmp/system.sh && rm /tmp/system.sh

FROM ${CUDA_BASE} AS cuda-system
COPY scripts/image/system.sh /tmp/system.sh
RUN bash /tmp/system.sh && rm /tmp/system.sh

# --- the wheel, model inside ------------------------------------------------------------------------------
FROM cpu-system AS wheel
WORKDIR /source
COPY requirements.lock ./
RUN python3 -m venv /build && \
    /build/bin/pip install --quiet --no-cache-dir --disable-pip-version-check -c requirements.lock hatchling
COPY pyproject.toml README.md LICENSE ./
COPY lesionseg lesionseg
COPY models models
COPY scripts/image scripts/image
RUN PYTHON=/build/bin/python bash scripts/image/wheel.sh /wheels

# --- installed; what pip needed to do so stays behind -----------------------------------------------------
FROM cpu-system AS cpu-installed
WORKDIR /source
COPY requirements.lock ./
COPY scripts/image scripts/image
COPY --from=wheel /wheels /wheels
RUN TORCH=cpu bash scripts/image/install.sh /opt/lesionseg /wheels/lesionseg-*.whl

FROM cuda-system AS cuda-installed
WORKDIR /source
COPY requirements.lock ./
COPY scripts/image scripts/image
COPY --from=wheel /wheels /wheels
# PyTorch brings its own CUDA libraries; the base gives the driver's interface
RUN TORCH=cuda EXTRAS=codecs,pacs,pdf bash scripts/image/install.sh /opt/lesionseg /wheels/lesionseg-*.whl

# --- what is run ------------------------------------------------------------------------------------------
FROM cuda-system AS cuda
COPY --from=cuda-installed /opt/lesionseg /opt/lesionseg
ENV PATH=/opt/lesionseg/bin:$PATH MPLCONFIGDIR=/tmp/matplotlib PYTHONDONTWRITEBYTECODE=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN useradd --uid 10001 --create-home lesionseg
USER 10001
WORKDIR /home/lesionseg
HEALTHCHECK --interval=1h --timeout=5m --start-period=2m CMD ["lesionseg", "doctor", "--quiet"]
ENTRYPOINT ["lesionseg"]
CMD ["--help"]

FROM cpu-system AS cpu
COPY --from=cpu-installed /opt/lesionseg /opt/lesionseg
ENV PATH=/opt/lesionseg/bin:$PATH MPLCONFIGDIR=/tmp/matplotlib PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --create-home lesionseg
USER 10001
WORKDIR /home/lesionseg
HEALTHCHECK --interval=1h --timeout=5m --start-period=2m CMD ["lesionseg", "doctor", "--quiet"]
ENTRYPOINT ["lesionseg"]
CMD ["--help"]
