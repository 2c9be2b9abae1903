# Opens the course in JupyterLab, on the port that devcontainer.json forwards.
# In a codespace the browser shows it under another host name, which JupyterLab must be told to accept.
if [ -n "${CODESPACE_NAME:-}" ]; then
    origin="--ServerApp.allow_origin=https://$CODESPACE_NAME-8888.$GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"
fi
exec make lab LAB_ARGS="--no-browser --port 8888 --ServerApp.port_retries=0 ${origin:-}"
