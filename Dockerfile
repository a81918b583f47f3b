# docker build -t arize-mcp .
# docker run --rm -i -e ARIZE_API_KEY arize-mcp
# docker run --rm -p 8000:8000 -e ARIZE_MCP_ALLOWED_HOSTS=mcp.example.com arize-mcp http --host 0.0.0.0
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY arize_mcp arize_mcp
RUN python -m venv --without-pip /app \
    && pip --python /app/bin/python install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /app /app
# nobody: the server writes nothing.
USER 65534:65534
ENTRYPOINT ["/app/bin/arize-mcp"]
