import { Table } from '@mantine/core';
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import classes from './MarkdownText.module.css';
import { ScrollTable } from './ScrollTable';

interface MarkdownTextProps {
  text: string;
  /** names its tables, for people who do not see them */
  label: string;
}

const PLUGINS = [remarkGfm];

/** Markdown with tables; HTML in it stays text. */
export default function MarkdownText({ text, label }: MarkdownTextProps) {
  const components: Components = {
    // The page has a heading of the first level already.
    h1: ({ children }) => <h2>{children}</h2>,
    h2: ({ children }) => <h3>{children}</h3>,
    table: ({ children }) => (
      <ScrollTable label={label} fz="sm" verticalSpacing={6} w="auto">
        {children}
      </ScrollTable>
    ),
    thead: ({ children }) => <Table.Thead>{children}</Table.Thead>,
    tbody: ({ children }) => <Table.Tbody>{children}</Table.Tbody>,
    tr: ({ children }) => <Table.Tr>{children}</Table.Tr>,
    th: ({ children }) => <Table.Th>{children}</Table.Th>,
    td: ({ children }) => <Table.Td>{children}</Table.Td>,
  };
  return (
    <div className={classes.text}>
      <Markdown remarkPlugins={PLUGINS} components={components}>
        {text}
      </Markdown>
    </div>
  );
}
