#!/bin/sh
# A device with curl and openssl: signs for examples/device.rs.
#
#     HMAC_KEY=secret sh examples/device.sh http://127.0.0.1:3000
#
# The key is on openssl's command line, where other users of the machine can see it.
set -eu
server=$1

# Hex of HMAC-SHA-256. `printf` adds no newline; `echo` would sign one.
sign() {
    printf '%s' "$1" | openssl dgst -sha256 -hmac "$HMAC_KEY" | sed 's/^.*= *//'
}

# send PATH BODY TAG: prints the status and the answer.
send() {
    printf '%s' "$2" | curl --silent --show-error --write-out ' %{http_code}\n' \
        --header 'Content-Type: application/json' --header "X-HMAC-Signature: $3" \
        --data-binary @- "$server$1"
}

address=00:1B:44:11:3A:B7
timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)

body='{"celsius": 21.5, "room": "Küche"}'
send /readings "$body" "$(sign "$body")"

body="{\"mac_address\": \"$address\", \"timestamp\": \"$timestamp\"}"
send /register "$body" "$(sign "$address:$timestamp")"

# Another text than was signed.
send /readings "$body" "$(sign "$address:$timestamp")"
