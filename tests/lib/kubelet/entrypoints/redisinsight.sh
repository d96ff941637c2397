#!/bin/sh
exec python3 -B /usr/src/app/server.py
