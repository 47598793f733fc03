#!/usr/bin/env node
// Plain old JavaScript, so that an old Node can say what is needed instead of failing on syntax.
'use strict';

var major = parseInt(process.versions.node, 10);

if (major < 26) {
  process.stderr.write(
    'ringfence needs Node 26 or newer, and this is Node ' +
      process.versions.node +
      ': install a newer Node, or add it to your project with `npm install --save-dev node@26`.\n',
  );
  process.exitCode = 2;
} else {
  var fs = require('node:fs');
  var path = require('node:path');
  var url = require('node:url');
  // A checkout runs from its source; the published package ships JavaScript only.
  var source = path.join(__dirname, '..', 'src', 'cli', 'main.ts');
  var built = path.join(__dirname, '..', 'dist', 'cli', 'main.js');
  import(url.pathToFileURL(fs.existsSync(source) ? source : built).href).then(
    (cli) => cli.start(process.argv.slice(2)),
    (error) => {
      process.stderr.write(
        'ringfence: it could not be started (' +
          String((error && error.message) || error).split('\n')[0] +
          '): install it again with `npm install`.\n',
      );
      process.exitCode = 125;
    },
  );
}
