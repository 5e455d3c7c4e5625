/** A handler for fetch, to be broken and mended while it is served with --reload. */
export const app = (request: Request): Response => new Response(`hello, ${new URL(request.url).pathname}\n`);
