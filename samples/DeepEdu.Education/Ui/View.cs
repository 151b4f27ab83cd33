using Spectre.Console;

namespace DeepEdu.Education.Ui;

/// <summary>Where training tells how far it is.</summary>
internal interface IProgress
{
    /// <summary>Step <paramref name="step"/> of <paramref name="steps"/> within <paramref name="phase"/>, such as <c>epoch 3/20</c>.</summary>
    void Step(string phase, int step, int steps);

    /// <summary>A line worth keeping, such as the summary of an epoch.</summary>
    void Line(string text);
}

/// <summary>A live display on a terminal, plain lines anywhere else.</summary>
internal abstract class View
{
    public static View For(TextWriter output) => ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected ? new LiveView() : new PlainView(output);

    public abstract T During<T>(string title, Func<IProgress, T> body);

    public abstract void Line(string text);

    public abstract void Table(string[] header, IEnumerable<string[]> rows);

    private sealed class PlainView(TextWriter output) : View, IProgress
    {
        public override T During<T>(string title, Func<IProgress, T> body)
        {
            output.WriteLine($"== {title}");
            return body(this);
        }

        public void Step(string phase, int step, int steps) { } // a log keeps the lines of epochs only

        public override void Line(string text) => output.WriteLine(text);

        public override void Table(string[] header, IEnumerable<string[]> rows)
        {
            string[][] all = [header, .. rows];
            int[] widths = [.. header.Select((_, c) => all.Max(r => r[c].Length))];
            foreach (string[] row in all) { output.WriteLine(string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd()); }
        }
    }

    private sealed class LiveView : View
    {
        public override T During<T>(string title, Func<IProgress, T> body)
        {
            AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(title)}[/]").LeftJustified());
            return AnsiConsole.Progress().AutoClear(true)
                .Columns(new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .Start(context => body(new LiveProgress(context.AddTask(Markup.Escape(title), maxValue: 1))));
        }

        public override void Line(string text) => AnsiConsole.WriteLine(text);

        public override void Table(string[] header, IEnumerable<string[]> rows)
        {
            Table table = new Table().Border(TableBorder.Horizontal);
            foreach (string name in header) { table.AddColumn(Markup.Escape(name), c => c.NoWrap = name is "metric" or "value" or "seconds"); }
            // a list in a cell goes down, not across: the table fits an 80-column terminal
            foreach (string[] row in rows) { table.AddRow([.. row.Select(cell => Markup.Escape(cell.Replace(", ", "\n", StringComparison.Ordinal)))]); }
            AnsiConsole.Write(table);
        }

        private sealed class LiveProgress(ProgressTask task) : IProgress
        {
            public void Step(string phase, int step, int steps)
            {
                task.Description = Markup.Escape(phase);
                task.MaxValue = steps;
                task.Value = step;
            }

            public void Line(string text) => AnsiConsole.WriteLine(text);
        }
    }
}
