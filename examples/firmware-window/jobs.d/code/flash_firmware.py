"""Writes a firmware to one meter, block by block; every block is a checkpoint."""

import time

from runner import Job, Status

BLOCKS = 3


class FlashFirmware(Job):
    def prepare(self, params, status):
        if status is not None:
            self.log(f"going on after block {status.state['block']}")
        return status or Status({"block": 0})

    def perform(self, status):
        block = status.state["block"] + 1
        self.send(block)
        self.progress(block, BLOCKS, "blocks")
        return Status({"block": block}, complete=block == BLOCKS)

    def send(self, block):
        """What talks to a real meter would stand here."""
        time.sleep(self.params["pause_s"])
        self.log(f"block {block} of {self.params['version']} is on {self.metadata.target}")
