using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace DeepEdu.Tests.House;

/// <summary>The package as a stranger gets it: packed, restored into a fresh project, trained with.</summary>
[Collection("alone")]
public sealed partial class PackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deepedu-pack-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PackageIsSmallDocumentedAndTrainsInAFreshProject()
    {
        string feed = Path.Combine(_folder, "feed"), consumer = Path.Combine(_folder, "consumer");
        Dotnet(Repository.Root, "pack", "src/DeepEdu", "-c", "Release", "-o", feed, "-v", "q");
        string package = Assert.Single(Directory.GetFiles(feed, "*.nupkg"));
        Assert.Single(Directory.GetFiles(feed, "*.snupkg"));
        Assert.InRange(new FileInfo(package).Length, 1, 2 * 1024 * 1024);
        using (var zip = ZipFile.OpenRead(package))
        {
            var names = zip.Entries.Select(e => e.FullName).ToList();
            Assert.Contains("README.md", names);
            Assert.Contains("lib/net10.0/DeepEdu.dll", names);
            Assert.Contains("lib/net10.0/DeepEdu.xml", names);
            Assert.Contains("buildTransitive/DeepEdu.targets", names);
            // the pages that the README leads to come along, and so lie beside it without a network
            using var readme = new StreamReader(zip.GetEntry("README.md")!.Open());
            var pages = PageLink().Matches(readme.ReadToEnd()).Select(m => m.Groups[1].Value).Distinct().ToList();
            Assert.NotEmpty(pages);
            Assert.Empty(pages.Except(names));
            using var spec = zip.Entries.Single(e => e.FullName == "DeepEdu.nuspec").Open();
            var dependencies = XDocument.Load(spec).Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => (string)e.Attribute("id")!);
            Assert.Equal(["System.Numerics.Tensors"], dependencies);
        }
        Directory.CreateDirectory(consumer);
        string version = Path.GetFileNameWithoutExtension(package)["DeepEdu.".Length..];
        // what the package needs was restored for the build: no network
        string there = typeof(PackageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Packages").Value!;
        File.WriteAllText(Path.Combine(consumer, "consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>
                <RestoreSources>{feed};{there}</RestoreSources><NuGetAudit>false</NuGetAudit>
                <RestorePackagesPath>{Path.Combine(_folder, "packages")}</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="DeepEdu" Version="{version}" /></ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(consumer, "Program.cs"), """
            using DeepEdu.Autograd;
            using DeepEdu.Nn;
            using DeepEdu.Numerics;
            using DeepEdu.Ops;
            using DeepEdu.Optim;
            using DeepEdu.Tensors;

            var rng = new Rng(1);
            var model = new Sequential(new Dense(2, 16, rng), new Tanh(), new Dense(16, 2, rng));
            var adam = new Adam(model.Parameters(), new() { LearningRate = 0.05f });
            var x = Tensor.Of([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]);
            Indices xor = new[] { 0, 1, 1, 0 };
            float last = 0;
            for (int step = 0; step < 200; step++)
            {
                using var tape = new Tape();
                var loss = model.Forward(x).CrossEntropy(xor);
                adam.Step(tape.Gradients(loss));
                last = loss.Item();
            }
            Console.WriteLine(last < 0.05f ? "learned" : $"loss {last}");
            """);
        string output = Dotnet(consumer, "run", "-c", "Release");
        Assert.EndsWith("learned", output.TrimEnd(), StringComparison.Ordinal);

        // published ahead of time, code for old registers is much slower: said unless the registers were chosen
        string[] ahead = ["msbuild", "-t:DeepEduInstructionSet", "-p:PublishAot=true"];
        Assert.Contains("warning DEEPEDU001", Dotnet(consumer, [.. ahead, "-p:RuntimeIdentifier=win-x64"]), StringComparison.Ordinal);
        Assert.DoesNotContain("DEEPEDU001", Dotnet(consumer, [.. ahead, "-p:RuntimeIdentifier=win-x64", "-p:IlcInstructionSet=x86-64-v2"]), StringComparison.Ordinal);
        Assert.DoesNotContain("DEEPEDU001", Dotnet(consumer, [.. ahead, "-p:RuntimeIdentifier=osx-arm64"]), StringComparison.Ordinal);
    }

    private static string Dotnet(string at, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = at, RedirectStandardOutput = true, RedirectStandardError = true };
        // a test host's own settings must not reach the child
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k.StartsWith("DOTNET_Enable", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}\n{output}\n{error.Result}");
        return output;
    }

    [GeneratedRegex(@"\((docs/[^)#]+\.md)")]
    private static partial Regex PageLink();
}
