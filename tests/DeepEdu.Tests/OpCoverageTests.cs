using System.Reflection;
using System.Reflection.Emit;
using DeepEdu.Ops;

namespace DeepEdu.Tests;

/// <summary>No op without its catalogue row: every public word of the op files and every loss is called by some row. Elementwise is left out: its words make ops of formulas.</summary>
public class OpCoverageTests
{
    private static readonly Dictionary<short, OpCode> s_opCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    [Fact]
    public void EveryWordHasARow()
    {
        var called = typeof(OpCatalog).Assembly.GetTypes().Where(IsPartOfTheCatalogue).SelectMany(Methods).SelectMany(Calls).ToHashSet();
        MethodInfo[] words = [.. Words()];
        Assert.True(words.Length > 150, $"only {words.Length} words were found");
        Assert.Empty(words.Where(w => !called.Contains(Id(w))).Select(Text));
    }

    private static IEnumerable<MethodInfo> Words() => typeof(Activations).Assembly.GetTypes()
        .Where(t => t is { IsPublic: true, IsAbstract: true, IsSealed: true, Namespace: "DeepEdu.Ops" } || t == typeof(DeepEdu.Nn.Losses))
        .Where(t => t != typeof(Elementwise))
        .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly));

    private static bool IsPartOfTheCatalogue(Type t) => t == typeof(OpCatalog) || (t.DeclaringType is { } outer && IsPartOfTheCatalogue(outer));

    private static IEnumerable<MethodBase> Methods(Type t)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return [.. t.GetMethods(All), .. t.GetConstructors(All)];
    }

    // what the method's code calls
    private static IEnumerable<(Module, int)> Calls(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        Type[] ofType = method.DeclaringType!.GetGenericArguments(), ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (int at = 0; at < code.Length;)
        {
            var op = s_opCodes[code[at] == 0xFE ? (short)(0xFE00 | code[++at]) : code[at]];
            at++;
            if (op.OperandType == OperandType.InlineMethod && method.Module.ResolveMethod(BitConverter.ToInt32(code, at), ofType, ofMethod) is MethodInfo callee) { yield return Id(callee); }
            at += op.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static (Module, int) Id(MethodInfo m) => (m.Module, m.MetadataToken);

    private static string Text(MethodInfo m) => $"{m.DeclaringType!.Name}.{m.Name}({string.Join(", ", m.GetParameters().Select(p => p.ParameterType.Name))})";
}
