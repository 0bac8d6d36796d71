# CPU image: docker build -t lesionseg . && docker run --rm -v "$PWD/scans:/in:ro" -v "$PWD/out:/out" lesionseg segment /in -o /out/case
FROM python:3.11-slim
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
# Pango and a font for reports as PDF.
RUN apt-get update && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 \
    libharfbuzz-subset0 fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/lesionseg
COPY requirements.lock ./
RUN pip install --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY lesionseg lesionseg
COPY models models
RUN pip install --no-deps --no-build-isolation . && useradd --create-home --uid 1000 lesionseg
USER lesionseg
WORKDIR /home/lesionseg
ENTRYPOINT ["lesionseg"]
CMD ["--help"]
