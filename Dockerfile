# Two images, one program each:
#   docker build --target proxy -t sluiceway-proxy:0.1.0 .
#   docker build --target sink  -t sluiceway-sink:0.1.0 .
# The build fetches the crates of Cargo.lock and the packages below, and nothing else. The images have no shell, no package
# manager, and are read-only but for what is mounted.

ARG RUST_VERSION=1.95.0
ARG DEBIAN=bookworm

FROM rust:${RUST_VERSION}-slim-${DEBIAN} AS build
# The compiler of the image, not another one fetched for rust-toolchain.toml.
ARG RUST_VERSION
ENV RUSTUP_TOOLCHAIN=${RUST_VERSION}
# librdkafka and OpenSSL are built from source.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates g++ make perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p sluiceway-proxy -p sluiceway-sink \
    && image/rootfs.sh target/release/sluiceway-proxy /images/proxy \
    && image/rootfs.sh target/release/sluiceway-sink /images/sink

FROM scratch AS proxy
COPY --from=build /images/proxy/ /
USER 65532:65532
# Clients; metrics and probes.
EXPOSE 8082 9102
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/sluiceway-proxy"]

FROM scratch AS sink
COPY --from=build /images/sink/ /
USER 65532:65532
# The Connect REST API; metrics and probes.
EXPOSE 8083 9103
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/sluiceway-sink"]
