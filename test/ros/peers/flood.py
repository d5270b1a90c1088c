#!/usr/bin/env python3
"""Floods a camera topic with malformed messages as fast as it can: flood.py raw|compressed TOPIC COUNT GOOD_FILE.

Sizes, steps and encodings are random (seeded), JPEGs are truncated, bit-flipped or claim to be huge; every hundredth message is
good: with stamp second 2 and the bytes of GOOD_FILE (64 x 48 rgb8, or a JPEG). Prints how many of each it sent.
"""
import array
import random
import struct
import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

ENCODINGS = ["rgb8", "bgr8", "mono8", "16UC1", "32FC1", "bayer_rggb8", "yuv422", "rgba8", "nonsense", "", "8UC99"]


def bad_image(chance):
    image = Image()
    image.encoding = chance.choice(ENCODINGS)
    image.width = chance.choice([0, 1, 63, 64, 640, 20_000, 4_294_967_295])
    image.height = chance.choice([0, 1, 48, 480, 20_000, 4_294_967_295])
    image.step = chance.choice([0, 1, 191, 192, 193, 1920, 4_294_967_295])
    image.is_bigendian = chance.choice([0, 1, 255])
    image.data = array.array("B", chance.randbytes(chance.choice([0, 1, 100, 9_215, 9_216])))
    return image


def bomb(good):
    """The good JPEG with 65,500 x 65,500 pixels in its frame header."""
    at = good.index(b"\xff\xc0") + 5
    return good[:at] + struct.pack(">HH", 65_500, 65_500) + good[at + 4 :]


def bad_compressed(chance, good):
    message = CompressedImage()
    message.format = chance.choice(["jpeg", "png", "", "bgr8; jpeg compressed bgr8", "h264", "\U0001f4f7"])
    flipped = bytearray(good)
    for _ in range(20):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    data = chance.choice(
        [b"", good[: chance.randrange(len(good))], bytes(flipped), chance.randbytes(500), bomb(good), b"\x89PNG\r\n\x1a\n" * 9]
    )
    message.data = array.array("B", data)
    return message


def main():
    kind, topic, count, good_file = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    with open(good_file, "rb") as file:
        good = file.read()
    rclpy.init()
    node = rclpy.create_node("flood")
    qos = QoSProfile(depth=20, reliability=ReliabilityPolicy.RELIABLE)
    publisher = node.create_publisher(Image if kind == "raw" else CompressedImage, topic, qos)
    while publisher.get_subscription_count() == 0:
        time.sleep(0.05)
    chance = random.Random(1)
    good_sent = 0
    for number in range(count):
        is_good = number % 100 == 99
        if kind == "raw":
            message = Image(width=64, height=48, encoding="rgb8", step=192) if is_good else bad_image(chance)
        else:
            message = CompressedImage(format="jpeg") if is_good else bad_compressed(chance, good)
        if is_good:
            message.data = array.array("B", good)
            good_sent += 1
        message.header.stamp.sec = 2 if is_good else 1
        message.header.frame_id = "camera"
        publisher.publish(message)
        if is_good:
            time.sleep(0.02)  # leaves the latest-frame slot a moment to see it
    print(count - good_sent, good_sent, flush=True)
    time.sleep(1.0)
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
