#!/usr/bin/env bash
# Opens a way from a port of this machine to the database, until it is interrupted. Needs the AWS command line with its
# Session Manager plugin, and the policy that access.yaml makes for engineers.
#
#   infra/connect.sh [PORT [PROJECT]]      (3307, payoff)
set -euo pipefail
port=${1:-3307}
project=${2:-payoff}

output() {
    aws cloudformation describe-stacks --stack-name "$project-$1" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue"
}

described() {
    aws ecs describe-tasks --cluster "$project" --tasks "$task" --output text --query "tasks[0].containers[0].$1"
}

host=$(output database DatabaseHost)
subnets=$(output network PrivateSubnets)
group=$(output network AccessGroup)

task=$(aws ecs run-task --cluster "$project" --task-definition "$project-access" --launch-type FARGATE \
    --enable-execute-command --tags key=payoff:access,value=engineer --output text --query 'tasks[0].taskArn' \
    --network-configuration "awsvpcConfiguration={subnets=[$subnets],securityGroups=[$group],assignPublicIp=DISABLED}")
trap 'aws ecs stop-task --cluster "$project" --task "$task" --output text --query task.desiredStatus' EXIT

echo "Starting ${task##*/}, which takes about a minute" >&2
for _ in $(seq 60); do
    agent=$(described "managedAgents[?name=='ExecuteCommandAgent'].lastStatus")
    [ "$agent" != RUNNING ] || break
    sleep 5
done
if [ "$agent" != RUNNING ]; then
    echo "connect.sh: the task did not come up; its events are in the cluster $project" >&2
    exit 1
fi

cat >&2 <<HOW
In another terminal, with the certificates of RDS in rds-ca.pem:
  export MYSQL_PWD=\$(aws rds generate-db-auth-token --hostname $host --port 3306 --username payoff_reader)
  mariadb --host 127.0.0.1 --port $port --user payoff_reader --ssl-ca rds-ca.pem --skip-ssl-verify-server-cert payoff
HOW
aws ssm start-session --target "ecs:${project}_${task##*/}_$(described runtimeId)" \
    --document-name AWS-StartPortForwardingSessionToRemoteHost \
    --parameters "host=$host,portNumber=3306,localPortNumber=$port"
