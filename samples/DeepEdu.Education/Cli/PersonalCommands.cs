using System.CommandLine;
using System.Globalization;
using System.Text;
using DeepEdu.Education.Data;
using DeepEdu.Education.Personal;

namespace DeepEdu.Education.Cli;

/// <summary><c>data key</c>, <c>pseudonymise</c>, <c>scan</c> and <c>anonymity</c>: what of data is of persons, and how it is taken out.</summary>
internal sealed class PersonalCommands(TextWriter output)
{
    private const int Shown = 20;

    public IEnumerable<Command> All => [Key(), Pseudonymise(), Scan(), Anonymous()];

    private Command Key()
    {
        Argument<string> file = new("FILE") { Description = "Where the key shall stand; nothing is written over." };
        Command command = new("key", "Makes a key for pseudonyms, 256 random bits. Keep it apart from the data: who has both knows who is who.") { file };
        command.SetAction(parse =>
        {
            KeyedPseudonyms.Make(parse.GetValue(file)!);
            output.WriteLine($"a new key: {parse.GetValue(file)}");
        });
        return command;
    }

    private Command Pseudonymise()
    {
        var (file, encoding) = Source();
        Option<string> key = RunFlags.Named(new Option<string>("--key-file") { Description = "File with the secret key, of 16 bytes or more; 'data key FILE' makes one. The same key gives the same pseudonyms in other files.", HelpName = "FILE", Required = true });
        Option<string> columns = RunFlags.Named(new Option<string>("--columns") { Description = "Columns whose values are replaced.", HelpName = "NAME,...", Required = true });
        Option<string> to = RunFlags.Named(new Option<string>("--out") { Description = "File to write, which must not be there yet; gzip if it ends in .gz.", HelpName = "FILE", Required = true });
        Command command = new("pseudonymise", "Copies a table with pseudonyms in the place of names: HMAC-SHA256 under a secret key.") { file, encoding, key, columns, to };
        command.SetAction(parse =>
        {
            string path = parse.GetValue(file)!, written = parse.GetValue(to)!;
            TableCopy.MustBeNew(written);
            KeyedPseudonyms names = KeyedPseudonyms.Of(parse.GetValue(key)!);
            TableCopy table = new(path, TextSource.EncodingOf(parse.GetValue(encoding)));
            var (rows, replaced) = names.Copy(table, table.Places(parse.GetValue(columns)!), written);
            output.WriteLine(Text($"{rows} rows, {replaced} values replaced: {written}"));
            output.WriteLine("Other columns may still tell who somebody is: see 'data scan' and 'data anonymity'. Who has the key can undo it.");
        });
        return command;
    }

    private Command Scan()
    {
        var (file, encoding) = Source();
        Option<string?> columns = RunFlags.Named(new Option<string?>("--columns") { Description = "Columns of a table to look at; all unless given.", HelpName = "NAME,..." });
        Option<string?> names = RunFlags.Named(new Option<string?>("--names") { Description = "File with names to look for, one on each line.", HelpName = "FILE" });
        Option<string?> places = RunFlags.Named(new Option<string?>("--places") { Description = "File for all places as a table, which must not be there yet; unless given the first are shown.", HelpName = "FILE" });
        Option<string?> to = RunFlags.Named(new Option<string?>("--out") { Description = "Writes the file again with placeholders such as [EMAIL]; it must not be there yet.", HelpName = "FILE" });
        Command command = new("scan", "Looks for personal data in the fields of a table or the lines of a .txt, .md or .jsonl: addresses of mail and pages, numbers of accounts, cards and telephones, other numbers of seven digits or more, @handles, names of a list.") { file, encoding, columns, names, places, to };
        command.SetAction(parse =>
        {
            string path = parse.GetValue(file)!;
            foreach (string? written in (string?[])[parse.GetValue(to), parse.GetValue(places)])
            {
                if (written is not null) { TableCopy.MustBeNew(written); }
            }
            TextScan scan = new(new(parse.GetValue(names) is { } list ? NameList.Read(list) : null));
            Encoding? read = TextSource.EncodingOf(parse.GetValue(encoding));
            if (TextScan.IsText(path))
            {
                if (parse.GetValue(columns) is not null) { throw new DataException($"--columns: {path} is lines of text by its name, not a table."); }
                scan.Lines(path, read, parse.GetValue(to));
            }
            else
            {
                TableCopy table = new(path, read);
                scan.Table(table, parse.GetValue(columns) is { } some ? table.Places(some) : [.. Enumerable.Range(0, table.Header.Length)], parse.GetValue(to));
            }
            output.WriteLine(Text($"{scan.Rows.Holding} of {scan.Rows.All} {(TextScan.IsText(path) ? "lines" : "rows")} hold what seems to be of persons: {string.Join(", ", PersonalData.Kinds.Where(k => k != "NAME" || parse.GetValue(names) is not null).Select(k => $"{k} {scan.Counts[k]}"))}"));
            foreach (Place place in parse.GetValue(places) is null ? scan.Places.Take(Shown) : []) { output.WriteLine($"  {place}"); }
            if (parse.GetValue(places) is { } all) { scan.WritePlaces(all); }
            else if (scan.Places.Count > Shown) { output.WriteLine(Text($"  and {scan.Places.Count - Shown} more; --places FILE writes all")); }
            if (parse.GetValue(to) is { } copy) { output.WriteLine($"with placeholders: {copy}"); }
            output.WriteLine($"Not looked for, and not found: {(parse.GetValue(names) is null ? "names of persons (give --names), " : "names that are not in the list, ")}street addresses, dates of birth, what is misspelt or written in words. What was found may be of nobody. Read a sample yourself.");
        });
        return command;
    }

    private Command Anonymous()
    {
        var (file, encoding) = Source();
        Option<string> columns = RunFlags.Named(new Option<string>("--columns") { Description = "Columns by which somebody may know a learner, such as age,school,sex.", HelpName = "NAME,...", Required = true });
        Option<string?> learner = RunFlags.Named(new Option<string?>("--learner") { Description = "The column that says whose a row is, where learners have several; groups then count learners.", HelpName = "NAME" });
        Option<int> k = new("--k") { Description = "How many learners a group shall have at least.", HelpName = "K", DefaultValueFactory = _ => 5 };
        k.Validators.Add(r => { if (r.Tokens.Count == 1 && int.TryParse(r.Tokens[0].Value, out int n) && n < 2) { r.AddError("--k must be at least 2."); } });
        Option<string?> to = RunFlags.Named(new Option<string?>("--out") { Description = "Writes the table again without the rows of smaller groups; it must not be there yet.", HelpName = "FILE" });
        Command command = new("anonymity", "Tells how many learners are alike in some columns (k-anonymity): the smallest group, and which rows stand in groups below k.") { file, encoding, columns, learner, k, to };
        command.SetAction(parse =>
        {
            string path = parse.GetValue(file)!;
            if (parse.GetValue(to) is { } fresh) { TableCopy.MustBeNew(fresh); }
            TableCopy table = new(path, TextSource.EncodingOf(parse.GetValue(encoding)));
            int[] by = table.Places(parse.GetValue(columns)!);
            int? whose = parse.GetValue(learner) is { } name ? table.Places(name)[0] : null;
            if (whose is { } own && by.Contains(own)) { throw new DataException($"--learner {table.Header[own]}: stands in --columns too, so that each learner would be a group; leave it out there."); }
            Anonymity groups = new(table, by, whose);
            int least = parse.GetValue(k);
            var (small, rows) = groups.Below(least);
            string what = whose is null ? "rows" : "learners";
            output.WriteLine(Text($"{groups.Rows} rows, {groups.Groups} groups; the smallest has {groups.Smallest} {what}: {groups.Smallest}-anonymous in these columns"));
            output.WriteLine(Text($"groups of fewer than {least} {what}: {small}, with {rows} rows ({(double)rows / groups.Rows:P1})"));
            foreach (var (column, left) in rows == 0 ? [] : groups.Without(least)) { output.WriteLine(Text($"  without {column}: {left} rows")); }
            if (parse.GetValue(to) is { } copy)
            {
                groups.Suppress(least, copy);
                output.WriteLine(Text($"{groups.Rows - rows} rows, without those of smaller groups: {copy}"));
            }
            output.WriteLine($"{(whose is null ? "Each row is taken for another learner; give --learner where one has several. " : "")}It counts these columns alone; what a group has in common (all failed, say) is known of each in it.");
        });
        return command;
    }

    private static (Argument<string> File, Option<string?> Encoding) Source()
        => (new("FILE") { Description = "A file, plain or gzip." }, new("--encoding") { Description = "utf-8, latin1, utf-16 or utf-16be; found out unless given. What is written is UTF-8.", HelpName = "NAME" });

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
