#!/usr/bin/env node
// Plain old JavaScript, so that an old Node can say what is needed instead of failing on syntax.
'use strict';

var version = process.versions.node.split('.').map(Number);

if (version[0] < 26 || (version[0] === 26 && version[1] < 4)) {
  process.stderr.write(
    'ringfence needs Node 26.4 or newer, and this is Node ' +
      process.versions.node +
      ': install a newer Node, or add it to your project with `npm install --save-dev node@26`.\n',
  );
  process.exitCode = 2;
} else {
  require('./start.cjs');
}
