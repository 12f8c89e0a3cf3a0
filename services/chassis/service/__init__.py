"""Runs the parts of one service, or of a whole house, in one process under one task group."""

from chassis.service.command import main
from chassis.service.declaration import Compose, Service, settings_of
from chassis.service.parts import Parts
from chassis.service.running import Process, run

__all__ = ["Compose", "Parts", "Process", "Service", "main", "run", "settings_of"]
