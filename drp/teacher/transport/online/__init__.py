"""Send requests one by one, as many at once as the provider can take."""

from drp.teacher.transport.online.driver import OnlineDriver

__all__ = ["OnlineDriver"]
