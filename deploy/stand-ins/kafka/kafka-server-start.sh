#!/bin/sh
# As in Apache Kafka's distribution: runs a broker in the foreground.
# shellcheck disable=SC2086 # the options are words
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${KAFKA_HEAP_OPTS:--Xmx512m} \
	-Dlog4j2.configurationFile=/opt/kafka/config/log4j2.xml -cp "/opt/kafka/libs/*" kafka.Kafka "$@"
