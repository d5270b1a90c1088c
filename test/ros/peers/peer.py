#!/usr/bin/env python3
"""An independent ROS 2 process for the tests: does what it is told in JSON lines on stdin, answers on stdout.

Every command is {"id": n, "op": name, ...} and is answered by {"id": n, "result": ...} or {"id": n, "error": "..."}.
Messages that come on subscribed topics are told as {"topic": ..., "message": ...}. Arrays of bytes travel as base64.
"""
import array
import base64
import importlib
import json
import sys
import threading
import time

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

MATCH_PATIENCE_S = 15.0


def load_type(name):
    package, folder, type_name = name.split("/")
    return getattr(importlib.import_module(f"{package}.{folder}"), type_name)


def to_json(value):
    """A message, or any part of it, as what json can write."""
    if hasattr(value, "get_fields_and_field_types"):
        return {name: to_json(getattr(value, name)) for name in value.get_fields_and_field_types()}
    if isinstance(value, (bytes, bytearray)) or (isinstance(value, array.array) and value.typecode == "B"):
        data = bytes(value)
        return data[0] if len(data) == 1 and isinstance(value, bytes) else base64.b64encode(data).decode()
    if isinstance(value, (list, tuple, array.array)) or type(value).__name__ == "ndarray":
        return [to_json(item) for item in value]
    if hasattr(value, "item"):
        return value.item()
    return value


def fill(message, values):
    """Sets the fields of a message from nested dictionaries."""
    types = message.get_fields_and_field_types()
    for name, value in values.items():
        field = getattr(message, name)
        if isinstance(value, dict):
            fill(field, value)
        elif types[name] == "sequence<uint8>" and isinstance(value, str):
            setattr(message, name, array.array("B", base64.b64decode(value)))
        elif types[name] in ("double", "float"):
            setattr(message, name, float(value))  # an int here would be sent as garbage
        elif types[name].startswith("sequence<") and "/" in types[name]:
            setattr(message, name, [fill(load_nested(types[name][9:-1]), item) for item in value])
        else:
            setattr(message, name, value)
    return message


def load_nested(name):
    package, type_name = name.split("/")
    return load_type(f"{package}/msg/{type_name}")()


def qos_of(settings):
    return QoSProfile(
        depth=settings.get("depth", 100),
        reliability=ReliabilityPolicy[settings.get("reliability", "reliable").upper()],
        durability=DurabilityPolicy[settings.get("durability", "volatile").upper()],
    )


class Peer:
    def __init__(self, node):
        self.node = node
        self.publishers = {}
        self.subscriptions = {}
        self.clients = {}
        self.output = threading.Lock()

    def tell(self, document):
        with self.output:
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()

    def subscribe(self, topic, type, qos={}):
        def on_message(message):
            self.tell({"topic": topic, "message": to_json(message)})

        self.subscriptions[topic] = self.node.create_subscription(load_type(type), topic, on_message, qos_of(qos))

    def unsubscribe(self, topic):
        self.node.destroy_subscription(self.subscriptions.pop(topic))

    def advertise(self, topic, type, qos={}):
        self.publishers[topic] = (self.node.create_publisher(load_type(type), topic, qos_of(qos)), load_type(type))

    def unadvertise(self, topic):
        self.node.destroy_publisher(self.publishers.pop(topic)[0])

    def publish(self, topic, message, file=None):
        """With `file`, the bytes of that file become the message's data."""
        publisher, message_type = self.publishers[topic]
        filled = fill(message_type(), message)
        if file is not None:
            with open(file, "rb") as pixels:
                filled.data = array.array("B", pixels.read())
        publisher.publish(filled)

    def matched(self, topic, count=1):
        """Waits until a publisher here has subscriptions, or a subscription here has publishers."""
        deadline = time.monotonic() + MATCH_PATIENCE_S
        resolved = self.node.resolve_topic_name(topic)
        while time.monotonic() < deadline:
            if topic in self.publishers:
                found = self.publishers[topic][0].get_subscription_count()
            else:
                found = self.node.count_publishers(resolved)
            if found >= count:
                return found
            time.sleep(0.02)
        raise TimeoutError(f"{topic}: fewer than {count} peers after {MATCH_PATIENCE_S:.0f} s")

    def call(self, service, type, request={}):
        """A call to a node that is just being discovered may be lost, and is repeated. A transition must not be: there the
        node's get_state is asked first, which is discovered after change_state on both sides."""
        if not service.endswith("/change_state"):
            return self.ask(service, type, request, tries=3)
        self.client(service, type)
        self.ask(service.replace("change_state", "get_state"), "lifecycle_msgs/srv/GetState", {}, tries=3)
        return self.ask(service, type, request, tries=1)

    def client(self, service, type):
        if service not in self.clients:
            self.clients[service] = self.node.create_client(load_type(type), service)
        return self.clients[service]

    def ask(self, service, type, request, tries):
        client = self.client(service, type)
        if not client.wait_for_service(timeout_sec=MATCH_PATIENCE_S):
            raise TimeoutError(f"service {service} is not there")
        for _ in range(tries):
            future = client.call_async(fill(load_type(type).Request(), request))
            done = threading.Event()
            future.add_done_callback(lambda _: done.set())
            if done.wait(MATCH_PATIENCE_S / tries):
                return to_json(future.result())
        raise TimeoutError(f"service {service} does not answer")

    def services(self, prefix):
        return sorted(name for name, _ in self.node.get_service_names_and_types() if name.startswith(prefix))

    def types(self, prefix):
        """Name -> types of every topic and service under a prefix."""
        found = self.node.get_topic_names_and_types() + self.node.get_service_names_and_types()
        return {name: types for name, types in found if name.startswith(prefix)}

    def topics(self, prefix):
        return sorted(name for name, _ in self.node.get_topic_names_and_types() if name.startswith(prefix))


def main():
    rclpy.init(args=sys.argv)
    node = rclpy.create_node("peer")
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def spin():
        try:
            executor.spin()
        except ExternalShutdownException:
            pass

    spinning = threading.Thread(target=spin)
    spinning.start()
    peer = Peer(node)
    peer.tell({"id": 0, "result": "ready"})
    for line in sys.stdin:
        command = json.loads(line)
        number, op = command.pop("id"), command.pop("op")
        try:
            peer.tell({"id": number, "result": getattr(peer, op)(**command)})
        except Exception as error:  # told to the test, which decides
            peer.tell({"id": number, "error": f"{type(error).__name__}: {error}"})
    executor.shutdown()
    rclpy.try_shutdown()
    spinning.join()


if __name__ == "__main__":
    main()
