#!/usr/bin/env python3
"""Publishes rgb8 images at a steady rate, each with the stamp of its sending: publish_images.py TOPIC RATE_HZ SECONDS
[--size WIDTHxHEIGHT] [--camera-info]. VGA by default; with --camera-info also the camera_info beside the topic.

Waits for a subscription first. The pictures are one noise image that is shifted, so that every frame differs. Prints the
number of messages sent.
"""
import array
import random
import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

VARIANTS = 8


def create_pictures(width, height):
    noise = random.Random(1)
    # Blocks of 16 x 16 pixels: structure at the scale that a camera image has.
    rows = []
    for _ in range(-(-height // 16)):
        row = b"".join(bytes(noise.randrange(256) for _ in range(3)) * 16 for _ in range(-(-width // 16)))[: 3 * width]
        rows.append(row * 16)
    step = width * 3
    picture = b"".join(rows)[: height * step]
    return [array.array("B", picture[step * 16 * i :] + picture[: step * 16 * i]) for i in range(VARIANTS)]


def main():
    topic, rate_hz, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    size = sys.argv[sys.argv.index("--size") + 1] if "--size" in sys.argv else "640x480"
    width, height = map(int, size.split("x"))
    rclpy.init()
    node = rclpy.create_node("camera")
    qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = node.create_publisher(Image, topic, qos)
    image = Image(width=width, height=height, encoding="rgb8", step=3 * width)
    image.header.frame_id = "camera"
    info = None
    if "--camera-info" in sys.argv:
        info = node.create_publisher(CameraInfo, topic.rpartition("/")[0] + "/camera_info", qos)
    pictures = create_pictures(width, height)
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
        if info is not None:
            info.publish(CameraInfo(header=image.header))
        sent += 1
        time.sleep(max(0.0, start + sent / rate_hz - time.monotonic()))
    print(sent, flush=True)
    time.sleep(2.0)
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
