#!/bin/sh
# A CGI script: its request is in the environment, its response is what it prints.
# #region script
echo 'Content-Type: text/plain'
echo
echo "Hello from process $$"
env | sort | grep -v '^PWD='
# #endregion script
