#!/usr/bin/env python3
"""Waits until a lifecycle node answers with a state: await_lifecycle_node.py /localizer active. Exit code 1 after 30 s."""
import sys
import time

import rclpy
from lifecycle_msgs.srv import GetState

PATIENCE_S = 30.0


def main():
    name, wanted = sys.argv[1:3]
    rclpy.init()
    node = rclpy.create_node("await_lifecycle_node")
    client = node.create_client(GetState, f"{name}/get_state")
    deadline = time.monotonic() + PATIENCE_S
    state = "no answer"
    while time.monotonic() < deadline:
        if client.wait_for_service(timeout_sec=0.5):
            answer = client.call_async(GetState.Request())
            rclpy.spin_until_future_complete(node, answer, timeout_sec=2.0)
            state = answer.result().current_state.label if answer.done() else "no answer"
            if state == wanted:
                return 0
            time.sleep(0.1)
    print(f"{name}: expected state '{wanted}' within {PATIENCE_S:.0f} s, got '{state}'", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
