using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace DeepEdu.Tests.House;

/// <summary>A program of one file, compiled and run inside this process: it needs neither a project nor packages. Only for tests of the collection "alone": the console is everybody's.</summary>
internal static class Script
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        """;

    private static readonly MetadataReference[] s_references = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
        .Select(p => MetadataReference.CreateFromFile(p))];

    /// <summary>Runs top-level statements.</summary>
    /// <param name="code">May begin with lines for the command line (<c>#:project</c>), which are passed over.</param>
    /// <param name="warnings">What a warning of the compiler is.</param>
    /// <returns>What the program returned, 0 if nothing, and what it printed, with \n between lines and none behind.</returns>
    public static (int Exit, string Output) Run(string code, ReportDiagnostic warnings = ReportDiagnostic.Default)
    {
        var main = Compile(code, warnings);
        using var output = new StringWriter();
        var console = Console.Out;
        Console.SetOut(output);
        object? exit;
        try { exit = main.Invoke(null, main.GetParameters().Length == 0 ? null : [Array.Empty<string>()]); }
        finally { Console.SetOut(console); }
        return (exit as int? ?? 0, output.ToString().ReplaceLineEndings("\n").TrimEnd());
    }

    private static MethodInfo Compile(string code, ReportDiagnostic warnings)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest).WithFeatures([new("FileBasedProgram", "true")]);
        var compilation = CSharpCompilation.Create($"script{Guid.NewGuid():N}",
            [CSharpSyntaxTree.ParseText(Usings, options), CSharpSyntaxTree.ParseText(code, options)], s_references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable, generalDiagnosticOption: warnings));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)));
        return Assembly.Load(image.ToArray()).EntryPoint!;
    }
}
