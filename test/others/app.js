// A web application as it is written for many servers: by the fetch event.

let requests = 0;

addEventListener('fetch', (event) => event.respondWith(handle(event.request)));

async function handle(request) {
  requests += 1;
  const url = new URL(request.url);
  switch (url.pathname) {
    case '/count':
      return new Response(String(requests));
    case '/json':
      return Response.json({
        method: request.method,
        query: [...url.searchParams],
        mine: request.headers.get('x-mine'),
      });
    case '/words': {
      const counts = {};
      for (const word of (await request.text()).toLowerCase().match(/[a-z]+/g) ?? []) {
        counts[word] = (counts[word] ?? 0) + 1;
      }
      return Response.json(counts, { status: 201, headers: { 'x-words': 'counted' } });
    }
    case '/stream': {
      const encoder = new TextEncoder();
      let left = 5;
      const body = new ReadableStream({
        pull(controller) {
          controller.enqueue(encoder.encode(`${left}\n`));
          left -= 1;
          if (left === 0) controller.close();
        },
      });
      return new Response(body);
    }
    case '/fetch': {
      const response = await fetch(url.searchParams.get('url'));
      return Response.json({ status: response.status, text: await response.text() });
    }
    case '/throw':
      throw new Error('a secret of the guest');
    default:
      return new Response('not found', { status: 404 });
  }
}
