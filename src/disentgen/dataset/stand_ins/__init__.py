"""Renderers of the stand-ins, and what they share: sprites, a room, a robot arm."""
