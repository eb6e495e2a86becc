#!/bin/sh
# examples/curl.sh, while `npm start` runs: KServe v2 with nothing but curl, once it is known where and with which token.
set -eu
root=$(dirname "$0")/..
# The Node of the checkout: the machine's own may be too old for TypeScript.
status=$("$root/node_modules/.bin/node" "$root/bridge-server/cli/main.ts" status --json)
value() { printf '%s' "$status" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | sed 's/\\\\/\//g'; }

# The header comes by stdin, so that the token shows in no list of processes.
printf 'Authorization: Bearer %s\n' "$(cat "$(value tokenFile)")" |
  curl --silent --show-error --fail-with-body --header @- --json '{
    "inputs": [{
      "name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8],
      "data": [0,0,7,15,16,12,0,0, 0,0,8,9,8,16,2,0, 0,0,0,0,5,15,0,0, 0,0,5,12,15,16,9,0,
               0,0,12,16,15,8,2,0, 0,0,2,15,6,0,0,0, 0,0,7,14,0,0,0,0, 0,0,11,8,0,0,0,0]
    }]
  }' "$(value http)/v2/models/digits/infer"
