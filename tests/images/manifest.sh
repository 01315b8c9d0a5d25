#!/bin/bash
# Prints an appc image manifest.
# usage: manifest.sh NAME VERSION [APP_JSON]      APP_JSON: the "app" object
set -eu
arch=$(uname -m | sed 's/x86_64/amd64/')
jq -n --arg name "$1" --arg version "$2" --arg arch "$arch" --argjson app "${3:-null}" '
	{acKind: "ImageManifest", acVersion: "0.8.11", name: $name,
	 labels: [{name: "version", value: $version}, {name: "arch", value: $arch}, {name: "os", value: "linux"}]}
	+ (if $app == null then {} else {app: $app} end)'
