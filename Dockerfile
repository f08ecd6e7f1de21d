# docker build -t perspectives . or, with the CUDA packages, docker build --build-arg GPU=1 -t perspectives .
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /suite
COPY . .
ARG GPU
RUN make setup GPU=$GPU
ENV PATH=/suite/.venv/bin:$PATH
