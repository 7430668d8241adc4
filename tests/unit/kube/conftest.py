"""looptime (0.7) asks for the event loop before synchronous tests too, which in the main thread makes one that nobody closes.

Once a loop was set, even to None, none is made.
"""

from __future__ import annotations

import asyncio

asyncio.set_event_loop(None)
