#!/bin/sh
# azd runs this after each deployment of the code. The first time it deploys the infrastructure once more, now with the
# event subscription; azd's own passes include it from then on.
set -eu
cd "$(dirname "$0")/.."
if [ "${MESH_CODE_IS_DEPLOYED:-false}" = "true" ]; then
  exit 0
fi
deploy() {
  MESH_CODE_IS_DEPLOYED=true az deployment sub create \
    --name "${AZURE_ENV_NAME}-events" \
    --subscription "${AZURE_SUBSCRIPTION_ID}" \
    --location "${AZURE_LOCATION}" \
    --template-file infra/main.bicep \
    --parameters infra/main.bicepparam \
    --output none
}
# Event Grid asks the function for consent, and the first instance may still be starting.
deploy || { sleep 60; deploy; } || { sleep 120; deploy; }
azd env set MESH_CODE_IS_DEPLOYED true
echo "Events of the subscription reach Meshplane now."
