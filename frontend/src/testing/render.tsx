import { MantineProvider } from '@mantine/core';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import { createQueryClient } from '@/api/queryClient';
import { theme } from '@/app/theme';
import { createAppRouter } from '@/routes/router';

/** The whole page at an address, with caches of its own. */
export function renderApp(path: string): { client: QueryClient; router: ReturnType<typeof createAppRouter> } {
  const client = createQueryClient();
  client.setDefaultOptions({ queries: { ...client.getDefaultOptions().queries, retry: false } });
  const router = createAppRouter(client, createMemoryHistory({ initialEntries: [path] }));
  render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { client, router };
}
