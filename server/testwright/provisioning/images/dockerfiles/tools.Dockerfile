# What the agent works with, on a base that lacks some of it. This is the one build that has a network.
ARG BASE
FROM ${BASE}
LABEL testwright.build=@TOKEN@
USER 0:0
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends git tmux procps \
    && rm -rf /var/lib/apt/lists/* \
    && command -v git && command -v tmux && command -v ps
