using System.CommandLine;
using DeepEdu.Education.Data;

namespace DeepEdu.Education.Cli;

/// <summary><c>data</c>: reads a file or folder and says what it holds, so that a wrong column or encoding shows before any training.</summary>
internal static class DataCommand
{
    public static Command Create(TextWriter output)
    {
        Option<string> path = RunFlags.Named(new Option<string>("--data") { Description = "File or folder to look at.", HelpName = "PATH", Required = true });
        Option<string?> format = new("--format") { Description = $"One of {string.Join(", ", DataCard.Formats)}; found out unless given.", HelpName = "NAME" };
        Option<string?> columns = new("--columns") { Description = "Columns of a long table, such as user=pupil,item=task,correct=right,time=when.", HelpName = "ROLE=NAME,..." };
        Option<string?> encoding = new("--encoding") { Description = "utf-8, latin1, utf-16 or utf-16be; found out unless given.", HelpName = "NAME" };
        Command command = new("data", "Says what a file or folder of learners' data holds; its commands take out of data what is of persons.") { path, format, columns, encoding };
        foreach (Command personal in new PersonalCommands(output).All) { command.Subcommands.Add(personal); }
        command.SetAction(parse =>
        {
            foreach (string line in DataCard.Of(parse.GetValue(path)!, parse.GetValue(format), parse.GetValue(columns), TextSource.EncodingOf(parse.GetValue(encoding)))) { output.WriteLine(line); }
        });
        return command;
    }
}
