#!/bin/sh
# Asks Latchkey whether a key is good: prints the code of the decision, and ends with 0 for VALID alone.
#
#   printf %s "$KEY" | LATCHKEY_URL=https://keys.example.com LATCHKEY_SERVICE_KEY_FILE=service.key ./latchkey.sh [PERMISSION]
#
# Neither key is on a command line, where others on the machine could read it. Needs curl 7.84 or later.
set -u
key=$(cat)
service_key=$(cat "$LATCHKEY_SERVICE_KEY_FILE") || { echo UNAVAILABLE; exit 1; }
# What a bearer token may have (RFC 6750) and a permission is made of: then there is nothing to escape in JSON or settings.
case "$key" in "" | *[!A-Za-z0-9._~+/=-]*) echo MALFORMED; exit 1 ;; esac
case "${1-}$service_key" in *[!A-Za-z0-9_:.-]*) echo UNAVAILABLE; exit 1 ;; esac
question="{\"key\": \"$key\"${1:+, \"permissions\": \"$1\"}}"

# `--retry` waits as long as Retry-After says, for 429 and 503 and a few like them, and gives up at the end of the time.
answer=$(
  printf 'header = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\ndata = "%s"\n' \
    "$service_key" "$(printf %s "$question" | sed 's/"/\\"/g')" |
    curl --config - --silent --fail --max-time 3 --retry 3 --retry-max-time 3 "${LATCHKEY_URL%/}/v1/verify" 2>/dev/null
) || { echo UNAVAILABLE; exit 1; }

code=$(printf %s "$answer" | sed -n 's/^{"valid":\(true\|false\),"code":"\([A-Z_]*\)".*/\2/p')
case "$answer" in
  '{"valid":true,"code":"VALID",'*) echo VALID ;;
  *) if [ -n "$code" ] && [ "$code" != VALID ]; then echo "$code"; else echo UNAVAILABLE; fi; exit 1 ;;
esac
