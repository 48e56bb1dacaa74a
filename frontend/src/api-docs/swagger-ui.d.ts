declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  /** The options that we use, of https://swagger.io/docs/open-source-tools/swagger-ui/usage/configuration/. */
  interface Options {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    docExpansion: 'list' | 'full' | 'none';
    filter: boolean;
  }
  export default function SwaggerUI(options: Options): void;
}
