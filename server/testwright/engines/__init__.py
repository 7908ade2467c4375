"""Engines that propose candidates; none reports its own success."""
