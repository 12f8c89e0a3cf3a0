#!/bin/sh
# As in Apache Kafka's distribution: prepares a broker's folder.
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -cp "/opt/kafka/libs/*" kafka.tools.StorageTool "$@"
