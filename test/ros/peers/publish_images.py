#!/usr/bin/env python3
"""Publishes VGA rgb8 images at a steady rate, each with the stamp of its sending: publish_images.py TOPIC RATE_HZ SECONDS.

Waits for a subscription first. The pictures are one noise image that is shifted, so that every frame differs. Prints the
number of messages sent.
"""
import array
import random
import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

WIDTH, HEIGHT = 640, 480
VARIANTS = 8


def create_pictures():
    noise = random.Random(1)
    # Blocks of 16 x 16 pixels: structure at the scale that a camera image has.
    rows = []
    for _ in range(HEIGHT // 16):
        row = b"".join(bytes(noise.randrange(256) for _ in range(3)) * 16 for _ in range(WIDTH // 16))
        rows.append(row * 16)
    picture = b"".join(rows)
    step = WIDTH * 3
    return [array.array("B", picture[step * 16 * i :] + picture[: step * 16 * i]) for i in range(VARIANTS)]


def main():
    topic, rate_hz, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    rclpy.init()
    node = rclpy.create_node("camera")
    qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(Image, topic, qos)
    image = Image(width=WIDTH, height=HEIGHT, encoding="rgb8", step=3 * WIDTH)
    image.header.frame_id = "camera"
    pictures = create_pictures()
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    time.sleep(1.0)  # the subscription has to know the publisher too
    sent = 0
    start = time.monotonic()
    while (now := time.monotonic()) - start < seconds:
        stamp = time.time_ns()
        image.header.stamp.sec, image.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        image.data = pictures[sent % VARIANTS]
        publisher.publish(image)
        sent += 1
        time.sleep(max(0.0, start + sent / rate_hz - time.monotonic()))
    print(sent, flush=True)
    time.sleep(2.0)
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
