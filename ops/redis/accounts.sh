#!/bin/sh
# Prints our Redis accounts as lines of an ACL file (Redis 6.2 and newer): one account for each part.
# Passwords come from the environment. The key prefix is the default of REDIS_KEY_PREFIX, the database is 0.
#
# api: puts messages on our queues, sends events to Flower, and counts calls. It takes nothing from a queue.
# worker: may use all our keys, but no command that administers, empties or lists.
# flower: receives events, sends commands to workers, and takes their replies. It cannot reach our queues.
set -eu
# Not client|setinfo: Redis 7.0 does not know it and would not start; clients go on without it.
connect="+ping +auth +hello +select +client|setname"
cat <<accounts
user default off
user tafawoq_api on >$REDIS_API_PASSWORD resetkeys ~tafawoq:interactive* ~tafawoq:prefetch* ~tafawoq:_kombu.binding* ~tafawoq:rate:* ~tafawoq:waiting:* resetchannels &tafawoq:/0.celeryev/* -@all $connect +lpush +publish +sadd +smembers +type +pttl +llen +multi +exec +eval +evalsha +script|load +script|exists +get +set +time
user tafawoq_worker on >$REDIS_WORKER_PASSWORD resetkeys ~tafawoq:* resetchannels &tafawoq:/0.celeryev/* &tafawoq:/0.celery.pidbox +@all -@admin -@dangerous $connect +info
user tafawoq_flower on >$REDIS_FLOWER_PASSWORD resetkeys ~tafawoq:*.reply.celery.pidbox* ~tafawoq:_kombu.binding* ~tafawoq:celeryev.* resetchannels &tafawoq:/0.celeryev/* &tafawoq:/0.celery.pidbox -@all $connect +publish +psubscribe +punsubscribe +subscribe +unsubscribe +brpop +del +exists +pexpire +sadd +srem +smembers +multi +exec +eval +evalsha +script|load +script|exists +time +zadd +zrangebyscore +zrem +type +pttl +llen
accounts
