#!/usr/bin/env bash
# Deploys templates in the order given; the same again changes what has changed. docs/cloud.md has the whole way.
#
#   infra/deploy.sh "base network storage database roles" Email=operator@example.org
#   infra/deploy.sh "access jobs" ImageTag=1.0
#   infra/deploy.sh service ImageTag=1.0 Domain=… Certificate=arn:…
#
# Each template takes the parameters it knows, and keeps those of the last time that are not given.
set -euo pipefail
here=$(dirname "$0")

if [ $# -lt 2 ]; then
    sed -n 's/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
read -r -a parts <<<"$1"
shift

project=payoff
for parameter in "$@"; do
    case $parameter in
        Project=*) project=${parameter#Project=} ;;
        *=*) ;;
        *) echo "deploy.sh: $parameter is no NAME=VALUE" >&2; exit 2 ;;
    esac
done
for part in "${parts[@]}"; do
    [ -f "$here/$part.yaml" ] || { echo "deploy.sh: there is no template $here/$part.yaml" >&2; exit 2; }
done

for part in "${parts[@]}"; do
    aws cloudformation deploy --stack-name "$project-$part" --template-file "$here/$part.yaml" \
        --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset --parameter-overrides "$@"
done
